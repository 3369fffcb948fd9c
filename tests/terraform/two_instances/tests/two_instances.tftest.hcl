mock_provider "aws" {
  source = "../mocks"
}

run "two_instances" {
}
