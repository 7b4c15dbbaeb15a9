"""Tests of the proof against answers that the sandbox never gives. Broken links of a real deployment: `tests/life`."""
