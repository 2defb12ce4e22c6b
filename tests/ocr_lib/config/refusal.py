"""A short architecture."""

ARCHITECTURE = {"Architecture": {"Backbone": {"name": "MobileNetV3"}, "Head": {"name": "CTCHead"}}}
