"""Tests of pSp Studio; they mirror the package."""
