mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name  = "shop"
  parts = { topicArn = "arn:aws:sns:eu-central-1:111111111111:shop-releases" }
}

run "tells_where_the_parts_are" {
  assert {
    condition = (
      aws_ssm_parameter.this.name == "/ecs-gitops/shop"
      && aws_ssm_parameter.this.type == "String"
      && aws_ssm_parameter.this.tier == "Standard"
      && jsondecode(aws_ssm_parameter.this.insecure_value) == { schemaVersion = 1, name = "shop", topicArn = "arn:aws:sns:eu-central-1:111111111111:shop-releases" }
    )
    error_message = aws_ssm_parameter.this.insecure_value
  }
}

run "refuses_names_that_are_taken" {
  command = plan

  variables {
    name  = "shop/prod"
    parts = { name = "other" }
  }

  expect_failures = [var.name, var.parts]
}

run "refuses_more_than_a_parameter_takes" {
  command = plan

  variables {
    parts = { topicArn = join("", [for n in range(1000) : "abcde"]) }
  }

  expect_failures = [aws_ssm_parameter.this]
}
