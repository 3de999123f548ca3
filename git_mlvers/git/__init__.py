"""The only package that starts git or touches its files."""
