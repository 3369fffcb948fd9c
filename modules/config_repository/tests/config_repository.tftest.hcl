mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name = "shop-config"
}

run "tells_the_clone_addresses" {
  override_resource {
    target = aws_codecommit_repository.this
    values = { arn = "arn:aws-us-gov:codecommit:us-gov-west-1:111111111111:shop-config" }
  }

  assert {
    condition     = output.clone_url_grc == "codecommit::us-gov-west-1://shop-config"
    error_message = "clone_url_grc: ${output.clone_url_grc}"
  }

  assert {
    condition     = output.name == "shop-config"
    error_message = "name: ${output.name}"
  }
}

run "takes_a_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/one"
  }

  assert {
    condition     = aws_codecommit_repository.this.kms_key_id == "arn:aws:kms:eu-central-1:111111111111:key/one"
    error_message = "The repository is not encrypted with the key."
  }
}

run "refuses_a_name_that_ends_in_git" {
  command = plan

  variables {
    name = "shop.git"
  }

  expect_failures = [var.name]
}

run "refuses_an_alias_for_a_key" {
  command = plan

  variables {
    kms_key_arn = "alias/shop"
  }

  expect_failures = [var.kms_key_arn]
}
