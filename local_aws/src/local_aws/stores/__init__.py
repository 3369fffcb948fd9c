"""What task definitions refer to: images in ECR, SSM parameters and secrets."""
