"""Turo's trip earnings export: one file or many, into canonical tables."""
