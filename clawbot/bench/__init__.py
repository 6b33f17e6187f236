"""Measures Clawbot on the machine it runs on."""
