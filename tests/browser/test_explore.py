import time
from pages import models
from tests import factories
def test_x(visit, people, demo):
    index = models.NewsIndexPage.objects.first()
    meeting = models.MeetingPage.objects.first()
    print("INDEX", index, meeting)
    visit.signed_in_as(people["editor"])
    def home(page):
        page.goto("/admin/"); page.screenshot(path="/tmp/s1.png", full_page=True)
        page.goto(f"/admin/pages/add/pages/newspage/{index.pk}/" if index else "/admin/pages/"); page.wait_for_timeout(800); page.screenshot(path="/tmp/s2.png", full_page=True)
        open("/tmp/s2.html","w").write(page.content())
    visit(home)
    visit.signed_in_as(people["moderator"])
    def mod(page):
        page.goto("/admin/"); page.screenshot(path="/tmp/s3.png", full_page=True)
        page.goto(f"/admin/pages/{meeting.pk}/withdraw/"); page.wait_for_timeout(300); page.screenshot(path="/tmp/s4.png", full_page=True)
        page.goto(f"/admin/pages/{meeting.pk}/call-off/"); page.wait_for_timeout(300); page.screenshot(path="/tmp/s5.png", full_page=True)
        page.goto(f"/admin/takedowns/"); page.wait_for_timeout(300); page.screenshot(path="/tmp/s6.png", full_page=True)
        page.goto(f"/admin/calendar-address/"); page.wait_for_timeout(300); page.screenshot(path="/tmp/s7.png", full_page=True)
        page.goto(f"/admin/reports/broken-links/"); page.wait_for_timeout(300); page.screenshot(path="/tmp/s8.png", full_page=True)
    visit(mod)
