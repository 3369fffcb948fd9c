"""What an instance remembers: settings in its own bucket (``modules/ledger``), and failures in tags of revisions."""
