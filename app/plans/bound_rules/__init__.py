"""What each operator can come to, by the families of `operators`; `bounds` knows them all."""
