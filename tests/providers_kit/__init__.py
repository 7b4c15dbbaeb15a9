"""The provider kit: its codec and diffs as properties, its protocol through a plugin written for the tests (`notes/`)."""
