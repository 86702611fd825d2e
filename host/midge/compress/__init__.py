"""Compression: techniques that make a trained model smaller, each kept only as far as it answers as well."""
