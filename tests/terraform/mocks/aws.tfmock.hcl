# What the tests of modules and examples get instead of AWS: one account, one Region, ARNs that look like ARNs.
mock_data "aws_caller_identity" {
  defaults = { account_id = "111111111111" }
}

mock_data "aws_service" {
  defaults = { region = "eu-central-1", partition = "aws" }
}

mock_resource "aws_codecommit_repository" {
  defaults = { arn = "arn:aws:codecommit:eu-central-1:111111111111:config" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::artifacts" }
}

mock_resource "aws_lambda_layer_version" {
  defaults = { arn = "arn:aws:lambda:eu-central-1:111111111111:layer:ecs-gitops:7" }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn           = "arn:aws:lambda:eu-central-1:111111111111:function:one"
    qualified_arn = "arn:aws:lambda:eu-central-1:111111111111:function:one:3"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-central-1:111111111111:log-group:one" }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:eu-central-1:111111111111:rule/one" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-central-1:111111111111:releases" }
}

mock_resource "aws_sfn_state_machine" {
  defaults = { arn = "arn:aws:states:eu-central-1:111111111111:stateMachine:ecs-gitops" }
}

mock_resource "aws_codebuild_project" {
  defaults = { arn = "arn:aws:codebuild:eu-central-1:111111111111:project/ecs-gitops" }
}

mock_resource "aws_codepipeline" {
  defaults = { arn = "arn:aws:codepipeline:eu-central-1:111111111111:ecs-gitops" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111111111111:role/one" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555" }
}

mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::111111111111:policy/boundary" }
}

mock_resource "aws_cloudwatch_metric_alarm" {
  defaults = { arn = "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:one" }
}
