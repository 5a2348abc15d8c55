"""The parts of the X-Factor study's page."""
