"""OpenRelik worker that runs webshellscan."""
