"""Tests of maps: their classes, and how a photo gets one."""
