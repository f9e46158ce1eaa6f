"""``symbp doctor``: what is slow or broken on this machine, each finding with its mend."""

import typer

__all__ = ["doctor"]


def doctor() -> None:
    """Look for what makes generated code slow here, and say how to mend it.

    Examines the BLAS library and the kernels that it runs on this processor, the width of
    vectors, threads, Numba and its caches, and the versions of the packages. It changes nothing,
    and exits with 0 whatever it finds.

    [bold]Example[/bold]

    symbp doctor
    """
    from symbp.diagnosis import diagnose

    findings = diagnose()
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = "ok  " if finding.mend is None else "mend"
        typer.echo(f"{mark}  {finding.subject:{width}}  {finding.state}")
        if finding.mend is not None:
            typer.echo(f"{'':{width + 8}}{finding.mend}")
    count = sum(finding.mend is not None for finding in findings)
    things = "1 thing" if count == 1 else f"{count} things"
    typer.echo("nothing to mend" if not count else f"{things} to mend")
