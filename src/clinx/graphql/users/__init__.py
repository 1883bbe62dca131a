"""Users: as they see themselves, and as operators see and change them.

Who asks, and how they sign in, is `sign_in`; what they pay with is `billing`.
"""
