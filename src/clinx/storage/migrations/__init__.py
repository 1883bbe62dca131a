"""Schema changes, applied in order by `clinx.storage.migrate`."""
