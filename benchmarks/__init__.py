"""Our hot paths against bare handlers doing the same SQL; `make bench`."""
