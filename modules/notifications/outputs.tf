output "topic_arn" {
  description = "ARN of the topic that gets a notice for every release."
  value       = aws_sns_topic.this.arn

  # Users of the ARN may publish at once, so the policy has to exist first.
  depends_on = [aws_sns_topic_policy.this]
}
