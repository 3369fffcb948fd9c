"""GitOps for Amazon ECS: services and scheduled tasks on existing clusters follow Git.

A tour of the house, in the order in which a push goes through it. A room uses only the rooms below it in this list
turned upside down, and ``make lint`` proves it (``pyproject.toml``, docs/adr/0012-rooms.md).

Before anything runs
    ``hosts`` reads the manifest's file out of the commit, and what is known of the commit.
    ``manifest`` turns its text into a checked manifest, or into every problem with its line and column.
    ``cli`` is the command line around both: the build calls ``ecs-gitops render``, people call ``validate``.

The release begins (state InitConfig)
    ``lambdas`` has the four handlers. Each parses its event, calls ``release``, and returns plain data.
    ``ledger`` reads what this instance was configured with, and keeps what releases remember of each other.
    ``desired`` makes items of the manifest: what each service, rule and schedule is to be, in batches and waves.

Every batch is checked, then deployed (states DeployTask and DeployEcs)
    ``release`` runs the check of a batch, and puts the release together after each stage.
    ``live`` reads what runs: services, rules, schedules, revisions, and what they depend on.
    ``plan`` compares desired and live, and decides: nothing to do, held, join what is going on, or deploy.
    ``apply`` makes the change: it registers the revision, runs the hook, updates the service, rolls it back.

What was started is followed to its end (state ValidateDeploy)
    ``watch`` reads how deployments and hooks go on.
    ``verdict`` judges them: in progress, done, failed and why. It believes the records of our own deployment alone.

The release goes on or ends
    ``flow`` says what comes next: wave after wave, the rollback of everything, the outcome.
    ``notify`` writes what people read: the notice, the alert ahead of it, the metrics.

Under all of them
    ``aws`` is the only room that talks to AWS: sessions, retries, rate limits.
    ``ecs`` knows what ECS, ECR and EventBridge mean: shapes of services, task definitions, settings, targets, tags.
    ``model`` has what all rooms share: items, batches, releases, errors, and the cleaning of texts from outside.

``model``, ``ecs``, ``manifest``, ``desired``, ``verdict``, ``plan``, ``flow`` and ``notify`` are pure: the same input
gives the same output, and time is an argument.
"""

__version__ = "0.1.0"
