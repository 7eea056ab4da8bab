"""A front-end developer tries the API in GraphiQL: examples, answers, documentation, all from this site alone."""

from playwright.sync_api import Page, expect

PATIENT = 20_000  # milliseconds


def watched(page: Page) -> dict[str, list[str]]:
    """What the page asks of which site, and what its Content-Security-Policy forbids, from now on."""
    seen: dict[str, list[str]] = {"hosts": [], "problems": []}
    page.on("request", lambda request: seen["hosts"].append(request.url.split("/")[2]))
    page.on("console", lambda line: seen["problems"].append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen["problems"].append(str(error)))
    return seen


def test_examples_are_answered_with_nothing_from_elsewhere(visit, demo):
    def steps(page):
        seen = watched(page)
        page.goto("/graphiql/")
        expect(page.get_by_role("heading", name="Examples")).to_be_visible(timeout=PATIENT)
        names = page.locator(".examples button").all_inner_texts()
        for name in ("Meetings", "Meeting"):
            page.get_by_role("button", name=name, exact=True).click()
            page.wait_for_timeout(500)  # GraphiQL reads the query a moment after it was changed
            page.keyboard.press("Control+Enter")
            expect(page.locator(".result-window")).to_contain_text("Parkside Place", timeout=PATIENT)
        page.get_by_role("button", name="Show Documentation Explorer").click()
        expect(page.locator(".graphiql-plugin")).to_contain_text("DeathReviewNoticePage")
        return names, seen

    names, seen = visit(steps)
    assert len(names) == 10
    assert set(seen["hosts"]) == {visit.url.split("/")[2]}
    assert seen["problems"] == []
