"""How each operator is evaluated, by the families of `operators`; `evaluation` knows them all."""
