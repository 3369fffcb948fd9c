"""GitOps for Amazon ECS: services and scheduled tasks on existing clusters follow Git.

A tour of the house, in the order in which a push goes through it. A room uses only the rooms below it in this list
turned upside down, and ``make lint`` proves it (``pyproject.toml``, docs/adr/0012-rooms.md).

Before anything runs
    ``hosts`` reads the manifest's file out of the commit, and what is known of the commit.
    ``manifest`` turns its text into a checked manifest, or into every problem with its line and column.
    ``cli`` is the command line around both: the build calls ``ecs-gitops render``; people call ``init``, ``validate``
    and ``plan``.

The release begins (state InitConfig)
    ``lambdas`` has the four handlers. Each parses its event, calls ``release``, and returns plain data.
    ``ledger`` is the instance's bucket: its settings, which release runs, the items, reports, and what is remembered.
    ``desired`` makes items of the manifest: what each service, rule and schedule is to be, in batches and waves.

Every batch is checked, then deployed (states DeployTask and DeployEcs)
    ``release`` takes a batch from its step in the ledger to the next one, and puts the release together.
    ``live`` reads what runs: services, rules, schedules, revisions, and what they depend on.
    ``plan`` compares desired, live and remembered: nothing to do, held, join what goes on, judge again, or deploy.
    ``apply`` writes down what it is about to do, registers the revision, runs the hook, updates, rolls back.

What was started is followed to its end (state ValidateDeploy)
    ``watch`` reads how deployments and hooks go on.
    ``verdict`` judges them: in progress, done, failed and why. It believes the records of our own deployment alone.

The release goes on or ends
    ``flow`` says what comes next: wave after wave, the rollback of everything, the outcome, what is remembered.
    ``notify`` writes what people read: the notice, the alert ahead of it, the metrics.

Under all of them
    ``aws`` is the only room that talks to AWS: sessions, retries, rate limits.
    ``ecs`` knows what ECS, ECR and EventBridge mean: shapes of services, task definitions, settings, targets, tags.
    ``model`` has what all rooms share: items, batches, memory, errors, and the cleaning of texts from outside.

``model``, ``ecs``, ``manifest``, ``desired``, ``verdict``, ``plan``, ``flow`` and ``notify`` are pure: the same input
gives the same output, and time is an argument.
"""

__version__ = "0.1.0"
