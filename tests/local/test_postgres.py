from sqlalchemy import text


def test_a(db):
    assert db.execute(text("select count(*) from users")).scalar() == 0


def test_b(fresh_engine):
    with fresh_engine.begin() as c:
        assert c.execute(text("select count(*) from users")).scalar() == 0


def test_c(fresh_engine):
    with fresh_engine.begin() as c:
        assert c.execute(text("select count(*) from users")).scalar() == 0
