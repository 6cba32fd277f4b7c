"""Commands of `turo` that live outside `turo.cli`, which registers them."""
