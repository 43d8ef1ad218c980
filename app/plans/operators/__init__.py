"""The operators of plan documents: what each is made of, by families.

Operators hold expressions, and `expressions` is the union of them all: here its name is
there for the type checker alone, and the models are completed there.
"""
