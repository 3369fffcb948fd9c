"""Read what runs: services, rules, schedules, revisions, and what they depend on."""
