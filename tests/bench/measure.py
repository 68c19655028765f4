"""What a measure is, and what it returns."""
import collections

from process import cpu_seconds, peak_kib

# section: of the report; also the set by which it is chosen (measures.SECTIONS)
# limit: the name of the measure that it is compared with, or None
# workloads: those whose logs it needs
# run(world, round): returns a Sample, or what else the section's summary takes
# seconds: about how long a round takes on two cores
# point: (name of a series, x) if it is a point of a curve
# once: it comes out the same every time, so that the first round is enough
Measure = collections.namedtuple("Measure", "section name title limit workloads run seconds point once",
                                 defaults=(None, False))
# events and seconds of one run, processor time of the program measured, its largest memory
Sample = collections.namedtuple("Sample", "events seconds cpu peak_kib")


def of_program(workload, program):
    return Sample(workload.count, program.seconds, program.cpu, program.peak_kib)


def end_workers(workers):
    """Returns the processor time of all, and the memory of the largest."""
    cpu = sum(cpu_seconds(worker.pid) for worker in workers)
    peak = max(peak_kib(worker.pid) for worker in workers)
    for worker in workers:
        worker.sigterm()
    return cpu, peak
