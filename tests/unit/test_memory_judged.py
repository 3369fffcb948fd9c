"""What is judged again, with settings beside: what a rollback goes to stays known, and settings go back alone."""

from __future__ import annotations

from unit.shop import hooks, item, release, statuses
from unit.test_memory import memory, runs

OTHERS = {"minimumHealthyPercent": 50, "maximumPercent": 150}
FAILED = release(item("web", "2", onFailure="stop", **hooks(after="smoke fail")))


def test_what_a_rollback_goes_to_stays_known_where_somebodys_deployment_is_judged_with_other_settings(shop, machine):
    # GIVEN a revision that failed and was left, and somebody who deploys it again
    assert statuses(machine.run(FAILED)) == {"web": "FAILED"}
    shop.force("web")
    shop.steady()
    # WHEN it is judged again, with other settings, and fails
    done = machine.run(release(item("web", "2", deployment=OTHERS, **hooks(after="smoke fail"))))
    assert statuses(done) == {"web": "FAILED"}
    assert runs(shop) == "web:2"
    # THEN a later failure still goes back to what was good
    assert memory(machine)["attempt"]["rollbackTo"]["revision"] == "web:1"
    assert statuses(machine.run(release(item("web", "bad")))) == {"web": "ROLLED_BACK"}
    assert runs(shop) == "web:1"


def test_settings_of_what_is_judged_again_go_back_with_the_release(shop, machine):
    # GIVEN a revision whose hook failed, and other settings beside a hook that succeeds
    machine.run(FAILED)
    before = dict(shop.services["web"]["deploymentConfiguration"])
    web = item("web", "2", deployment=OTHERS, **hooks(after="smoke"))
    # WHEN another service fails
    done = machine.run(release(web, item("api", "bad", dependsOn=["web"]), onFailure="rollbackRelease"))
    # THEN the settings go back, and the revision, which is good, stays
    assert statuses(done) == {"web": "ROLLED_BACK", "api": "ROLLED_BACK"}
    assert (runs(shop), shop.services["web"]["deploymentConfiguration"]) == ("web:2", before)


def test_what_is_judged_again_with_other_settings_is_deployed(shop, machine):
    machine.run(FAILED)
    given = release(item("web", "2", deployment=OTHERS, **hooks(after="smoke")))
    assert statuses(machine.run(given)) == {"web": "DEPLOYED"}
    assert statuses(machine.run(given)) == {"web": "UNCHANGED"}
