"""`redumbrella run`: one command that starts everything and takes it all down again."""
