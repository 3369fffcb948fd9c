# Two instances in one account and Region: test_terraform.py compares the names of what they make.
module "shop" {
  source = "../../../terraform"

  name           = "shop"
  pass_role_arns = []
}

module "shop_staging" {
  source = "../../../terraform"

  name           = "shop-staging"
  pass_role_arns = []
}
