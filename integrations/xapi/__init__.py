"""xAPI: sessions as statements under a published profile. Nothing here sends; nothing here knows Dagster."""
