"""Image references: what engines accept is accepted, everything else is refused with its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile
import references
from ecs_gitops.ecs.image_reference import refusal

ECR = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
SHA = "sha256:" + "0123456789abcdef" * 4
TAKEN = (
    *("web", "web:1", "team/web:1.0_a-B", "a/b/c/d:1", "0/1", "a.b/c_d/e__f/g-h/i--j", f"web@{SHA}", f"web:1@{SHA}"),
    *("docker.io/web", "docker.io/library/web:1", "index.docker.io/a/b", "registry-1.docker.io/library/nginx:1.27"),
    *("localhost/web", "localhost:5000/web:1", "localhost:5000", "192.168.0.1:80/web", "example.com:65535/a/b"),
    *("[2001:db8::1]:5000/web:1", "[::1]/web", "Example.COM/web", "Team/web", "a-b.c-d/web", "web:1/api"),
    *(
        "web:" + "t" * 128,
        "a" * 255,
        "example.com/" + "a" * 243,
        "a" * 255 + "@" + SHA,
        "web:_",
        "web:0.0-",
        "sha256:1",
    ),
    *("docker.io/" + "a" * 64, "a" * 65, "gcr.io/google_containers/echoserver:1.3", "public.ecr.aws/nginx/nginx:1"),
    *("ecr-public.aws.com/nginx/nginx:1", "ecr.example.com/web", "dkr.example.com/web", "dkr.ecr.example.com/web:1"),
    *("my-ecr-1234.us-west-2.elb.amazonaws.com:5000/web", "ec2-1-2-3-4.compute-1.amazonaws.com:5000/web"),
    *(f"{ECR}/web", f"{ECR}/team/web:1", f"{ECR}/web@{SHA}", f"{ECR}:443/web:1", "111111111111.example.com/web"),
)


@pytest.mark.parametrize("image", TAKEN)
def test_what_an_engine_takes_is_accepted(image):
    assert refusal(image) is None


REFUSED = {
    "": "it is empty",
    " ": "a space",
    "web 1": "a space",
    "web:1\n": "a line end",
    "web\u00a0": "a space",
    "wéb:1": "'é' is not allowed",
    "web#1": "'#' is not allowed",
    "web;1": "';' is not allowed",
    "${IMAGE}": "placeholder",
    "web:$TAG": "placeholder",
    "web:{{tag}}": "placeholder",
    "<account>.dkr.ecr.us-west-2.amazonaws.com/web": "placeholder",
    "web:%(tag)s": "placeholder",
    "http://example.com/web": "no http:// in front",
    "https://example.com/web": "no https:// in front",
    "docker://web": "no docker:// in front",
    "oci://example.com/web:1": "no oci:// in front",
    "web@": "after `@` there is no digest",
    "web@latest": "after `@` there is no digest",
    "web@sha256": "after `@` there is no digest",
    "web@sha256:": "the digest has 0 digits",
    "web@sha256:abc123": "the digest has 6 digits",
    f"web@{SHA}0": "the digest has 65 digits",
    f"web@{SHA}@{SHA}": "duplicate `@`",
    f"web@{SHA.replace('abcdef', 'ABCDEF')}": "the digest has other characters",
    f"web@sha256:{'g' * 64}": "the digest has other characters",
    f"web@md5:{'0' * 32}": "'md5' is no digest algorithm",
    f"web@sha512:{'0' * 128}": "'sha512' is no digest algorithm",
    f"web@:{'0' * 64}": "'' is no digest algorithm",
    f"web@SHA256:{'0' * 64}": "'SHA256' is no digest algorithm",
    SHA: "a digest alone",
    f"@{SHA}": "a digest alone",
    "a" * 64: "the id of an image",
    "web:": "no tag after the colon",
    f"web:@{SHA}": "no tag after the colon",
    "web:latest:latest": "two tags",
    "example.com/web:1:2": "two tags",
    "web:1/api:2/x": "the tag must be at the end",
    "team/web:1/api": "the tag must be at the end",
    "web:.1": "'.1' is no tag",
    "web:-1": "'-1' is no tag",
    "web:1+2": "'1+2' is no tag",
    "web:" + "t" * 129: "the tag has 129 characters",
    "Web": "upper case letters: 'Web'",
    "example.com/Team/web": "upper case letters: 'Team'",
    "example.com/Team/Web:1": "upper case letters: 'Team'",
    "team/Web": "upper case letters: 'Web'",
    "a" * 256: "have 256 characters",
    "example.com/" + "a" * 244: "have 256 characters",
    "a" * 200 + ":" + "t" * 60: "have 261 characters",
    "/web": "an empty part",
    "web/": "an empty part",
    "team//web": "an empty part",
    "example.com/": "there is no repository",
    "example.com//web": "an empty part",
    "example.com/:1": "there is no repository",
    ":1": "there is no repository",
    "-web": "'-web' is no part of a repository",
    "web-": "'web-' is no part of a repository",
    "_web": "is no part of a repository",
    "web_": "is no part of a repository",
    ".web/x": "an empty part",
    "a..b": "is no part of a repository",
    "a___b": "is no part of a repository",
    "a._b": "is no part of a repository",
    "a_-b": "is no part of a repository",
    "[abc]/web": "is no part of a repository",
    "example..com/web": "the registry 'example..com' has an empty part",
    "example.com./web": "has an empty part",
    "-example.com/web": "'-example' is no part of a registry",
    "example-.com/web": "'example-' is no part of a registry",
    "my_registry.com/web": "'my_registry' is no part of a registry",
    "example.com:/web": "'' is no port",
    "example.com:port/web": "'port' is no port",
    "example.com:-1/web": "'-1' is no port",
    "example.com:0/web": "no port 0",
    "example.com:65536/web": "no port 65536",
    "2001:db8::1/web": "is no part of a registry",
    "[2001:db8::g]:5000/web": "is no IPv6 address",
    "[fe80::1%eth0]:5000/web": "'%' is not allowed",
}


@pytest.mark.parametrize(("image", "reason"), REFUSED.items(), ids=lambda text: text[:40])
def test_what_no_engine_accepts_is_refused_with_the_reason(image, reason):
    found = refusal(image)
    assert found is not None
    assert reason in found.reason
    assert found.accepted


PLAIN = "with an account id of 12 digits"
NOT_ECR = {
    "11111111111.dkr.ecr.us-west-2.amazonaws.com": "'11111111111' is no account id",
    "1111111111111.dkr.ecr.us-west-2.amazonaws.com": "is no account id",
    "1111-1111-1111.dkr.ecr.us-west-2.amazonaws.com": "is no account id",
    "ACCOUNT.dkr.ecr.us-west-2.amazonaws.com": "'ACCOUNT' is no account id",
    "dkr.ecr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.DKR.ecr.us-west-2.amazonaws.com": "lower case",
    "111111111111.dkr.ecr.us-west2.amazonaws.com": "'us-west2' is no Region",
    "111111111111.dkr.ecr.uswest-2.amazonaws.com": "'uswest-2' is no Region",
    "111111111111.dkr.ecr.amazonaws.com": "is no Region",
    "111111111111.dkr.ecr.us-west-2.amazonaws.co": "under amazonaws.com, not amazonaws.co",
    "111111111111.dkr.ecr.us-west-2.amazonaws.com.cn": "under amazonaws.com, not amazonaws.com.cn",
    "111111111111.dkr.ecr.cn-north-1.amazonaws.com": "under amazonaws.com.cn, not amazonaws.com",
    "111111111111.dkr.ecr.eusc-de-east-1.amazonaws.com": "under amazonaws.eu",
    "111111111111.dkr.ecr.us-iso-east-1.amazonaws.com": "under c2s.ic.gov",
    "111111111111.dkr.ecr.us-west-2.amazonws.com": "not amazonws.com",
    "111111111111.dkr.ecr.us-west-2.amazon.com": "not amazon.com",
    "111111111111.dkr.ecr.us-west-2.aws.com": "not aws.com",
    "111111111111.dkr.ecr.us-west-2.on.aws": "under amazonaws.com, not on.aws",
    "111111111111.dkr-ecr.us-west-2.amazonaws.com": "under on.aws, not amazonaws.com",
    "111111111111.dkr-ecr.us-west-2.api.aws": "under on.aws, not api.aws",
    "111111111111.dkr.ecr.us-west-2.amazonaws.com:5000": "port 5000",
    "111111111111.ecr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.dkr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.drk.ecr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.dkr.erc.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.dkr.ecs.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.ecr.dkr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.dkrecr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "111111111111.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "ecr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "api.ecr.us-west-2.amazonaws.com": "looks like Amazon ECR",
    "ecr.us-west-2.api.aws": "looks like Amazon ECR",
    "gallery.ecr.aws": "looks like Amazon ECR",
    "public.ecr.amazonaws.com": "looks like Amazon ECR",
    "public.erc.aws": "looks like Amazon ECR",
}


@pytest.mark.parametrize(("host", "reason"), NOT_ECR.items())
def test_a_host_that_only_looks_like_ecr_is_refused_with_what_ecr_is_called(host, reason):
    found = refusal(f"{host}/team/web:1")
    assert found is not None
    assert "looks like Amazon ECR and is not" in found.reason
    assert reason in found.reason
    assert PLAIN in found.accepted


def test_a_registry_of_ecr_alone_is_no_image():
    for image in (ECR, f"{ECR}:1", f"{ECR}@{SHA}"):
        found = refusal(image)
        assert found is not None
        assert "there is no repository" in found.reason


def test_ecr_has_no_repository_of_one_letter():
    found = refusal(f"{ECR}/w:1")
    assert found is not None
    assert "ECR has no repository 'w'" in found.reason
    assert refusal("example.com/w:1") is None


def test_what_is_accepted_names_the_domain_of_the_region():
    found = refusal("111111111111.dkr.ecr.cn-north-1.amazonaws.com/web")
    assert found is not None
    assert "ACCOUNT.dkr.ecr.cn-north-1.amazonaws.com.cn" in found.accepted
    assert "ACCOUNT.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn" in found.accepted


@given(st.text(alphabet="aZ0._-:/@[]$ \n\té", max_size=12))
def test_every_text_is_judged_as_the_grammar_does(image):
    hostile.judge_image(image)


@given(st.randoms(use_true_random=False))
def test_every_image_is_judged_as_the_grammar_does(source):
    hostile.judge_image(references.made(source))


def test_every_host_of_ecr_is_accepted():
    assert len(references.ecr_hosts()) > 100
    for host in references.ecr_hosts():
        assert refusal(f"{host}/team/web:1") is None


def test_a_long_text_is_refused_at_once():
    for image in ("a" * 10**5, "a/" * 10**5, "a." * 10**5 + "/x", "a:" * 10**5, "x@" * 10**5, "-" * 10**5, "[" * 10**5):
        assert refusal(image) is not None
