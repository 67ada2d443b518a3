"""The demo county: 云岫县, its offices, their reports and their sites. Everything about it is invented."""
