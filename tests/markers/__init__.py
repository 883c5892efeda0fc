"""Tests of fer_core.markers."""
