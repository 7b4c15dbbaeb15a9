"""The embedded database server: its life, its files, its manners."""
