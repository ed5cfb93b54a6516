"""The six programs of notebook 13: one fault each, which the doctor finds first."""

import keras
import pytest

import siamlab as sl


@pytest.mark.parametrize(
    ("name", "code"), list(zip("ABCDEF", "S1 C13 S14 C1 S17 C9".split(), strict=True))
)
def test_the_doctor_finds_the_one_fault_of_each_program(name, code):
    program = sl.course.faulty_program(name)
    batch = keras.tree.map_structure(lambda each: each[:64], (program.x, program.y))
    assert sl.doctor.examine(program.model, batch).codes == (code,)
    number = f"13.{'ABCDEF'.index(name) + 1}"
    assert sl.course.check(number, code).right
    assert code not in repr(program)


def test_an_unknown_program_is_refused_by_name():
    with pytest.raises(sl.SiamlabError, match="one of A, B, C, D, E, F; got 'G'"):
        sl.course.faulty_program("G")
