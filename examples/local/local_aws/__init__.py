"""AWS on one machine, for the demo and the tests: ministack, mended where it differs from AWS, and the Code services.

What is simulated is AWS, and nothing of ecs-gitops. README.md lists each mend with the AWS behaviour it stands for.
"""
