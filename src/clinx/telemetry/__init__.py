"""What the process says about itself: events (`logs`), figures (`metrics`), and the tasks it runs (`tasks`).

Event names and labels live here in one place. No prompt, no secret and no caller text is ever logged or used as a
label; every error code is a label value.
"""
