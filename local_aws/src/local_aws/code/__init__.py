"""CodeCommit with Git over HTTP, CodePipeline and CodeBuild."""
