"""Step Functions: the machine's role and pauses, and the States Language."""
