"""Kills real loads at real moments and looks whether anything was lost, doubled or half visible."""
