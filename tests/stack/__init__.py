"""Tests of the program itself: what it declares, and what it accepts as configuration. No engine, no plugin, no network."""
