mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

run "is_all_it_takes" {
  assert {
    condition     = output.clone_url == "codecommit::eu-central-1://ecs-gitops-config"
    error_message = output.clone_url
  }

  assert {
    condition     = strcontains(output.console_url, "/pipelines/ecs-gitops/view")
    error_message = output.console_url
  }
}
