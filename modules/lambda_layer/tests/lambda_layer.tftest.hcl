mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name = "ecs-gitops"
  # Any file does: it is hashed, and sent nowhere.
  layer_zip = "versions.tf"
}

run "is_for_one_runtime_and_one_architecture" {
  variables {
    architecture = "x86_64"
  }

  assert {
    condition     = aws_lambda_layer_version.this.compatible_runtimes == toset(["python3.13"])
    error_message = "Runtimes: ${join(" ", aws_lambda_layer_version.this.compatible_runtimes)}"
  }

  assert {
    condition     = aws_lambda_layer_version.this.compatible_architectures == toset(["x86_64"])
    error_message = "Architectures: ${join(" ", aws_lambda_layer_version.this.compatible_architectures)}"
  }

  assert {
    condition     = output.sha256 == filebase64sha256("versions.tf")
    error_message = "sha256 is not the zip's: ${output.sha256}"
  }
}

run "says_what_to_do_when_the_zip_is_missing" {
  command = plan

  variables {
    layer_zip = "nowhere/layer.zip"
  }

  expect_failures = [aws_lambda_layer_version.this]
}

run "refuses_another_architecture" {
  command = plan

  variables {
    architecture = "riscv"
  }

  expect_failures = [var.architecture]
}
