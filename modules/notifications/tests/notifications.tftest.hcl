mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name = "ecs-gitops-releases"
}

run "only_the_account_and_eventbridge_publish" {
  variables {
    emails      = ["team@example.com", "on-call@example.com"]
    kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/one"
  }

  assert {
    condition = jsondecode(aws_sns_topic_policy.this.policy).Statement == [
      {
        Sid       = "Owner"
        Effect    = "Allow"
        Principal = { AWS = "111111111111" }
        Action    = ["sns:GetTopicAttributes", "sns:Publish", "sns:SetTopicAttributes", "sns:Subscribe"]
        Resource  = "arn:aws:sns:eu-central-1:111111111111:releases"
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:eu-central-1:111111111111:releases"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
    error_message = aws_sns_topic_policy.this.policy
  }

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == "arn:aws:kms:eu-central-1:111111111111:key/one"
    error_message = "The topic is not encrypted with the key."
  }

  assert {
    condition = {
      for subscription in aws_sns_topic_subscription.email : subscription.endpoint => subscription.protocol
    } == { "on-call@example.com" = "email", "team@example.com" = "email" }
    error_message = "Each address has one subscription."
  }
}

run "refuses_what_is_no_address" {
  command = plan

  variables {
    emails = ["team"]
  }

  expect_failures = [var.emails]
}
