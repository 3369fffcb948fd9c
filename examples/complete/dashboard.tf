# What the releases do, in one picture, and alarms that tell the people on call.
module "dashboard" {
  source = "../../modules/dashboard"

  name              = "shop-releases"
  state_machine_arn = module.ecs_gitops.state_machine_arn
  function_names    = module.ecs_gitops.function_names
  pipeline_name     = module.ecs_gitops.pipeline_name

  alarm_topic_arns     = [aws_sns_topic.on_call.arn]
  long_release_minutes = 45
  tags                 = { Team = "shop", Stage = "prod" }

  # Who is told of an alarm must be there first.
  depends_on = [aws_sns_topic_policy.on_call]
}

# Not the releases' own topic: that one tells of each release what came of it, and lets only EventBridge and the account
# publish.
resource "aws_sns_topic" "on_call" {
  name              = "shop-on-call"
  kms_master_key_id = aws_kms_key.gitops.arn
}

resource "aws_sns_topic_policy" "on_call" {
  arn = aws_sns_topic.on_call.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.on_call.arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:${local.region}:${data.aws_caller_identity.current.account_id}:alarm:shop-releases-*" }
          StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        }
      },
    ]
  })
}
