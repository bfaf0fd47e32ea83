// Every error that tinystill throws on purpose. Each says which op or file, what was found, and what to do.

/** The base of all deliberate errors: `catch (e) { if (e instanceof TinystillError) ... }`. */
export class TinystillError extends Error {
  /** What to do about it, already part of the message. */
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(hint ? `${message}. ${hint}` : message)
    this.name = new.target.name
    this.hint = hint
  }
}

/** Shapes that do not fit an op. */
export class ShapeError extends TinystillError {
  constructor(
    readonly op: string,
    message: string,
    hint?: string,
  ) {
    super(`${op}: ${message}`, hint)
  }
}

/** A dtype that an op does not take. */
export class DTypeError extends TinystillError {
  constructor(
    readonly op: string,
    message: string,
    hint?: string,
  ) {
    super(`${op}: ${message}`, hint)
  }
}

/** A gradient that cannot be had: nothing to differentiate, a freed graph, an op without second derivative. */
export class GradError extends TinystillError {}

/** A loss or a gradient that is NaN or infinite. Nothing was changed. */
export class NonfiniteError extends TinystillError {}

/** A backend that is missing, refused or broke, and memory that ran out. */
export class BackendError extends TinystillError {}

/** Data that cannot be read: names the file, the line where there is one, and the reason. */
export class DataError extends TinystillError {
  constructor(
    readonly file: string,
    message: string,
    hint?: string,
  ) {
    super(`${file}: ${message}`, hint)
  }
}

/** A model folder, weight file or checkpoint that does not fit. */
export class CheckpointError extends TinystillError {
  constructor(
    readonly file: string,
    message: string,
    hint?: string,
  ) {
    super(`${file}: ${message}`, hint)
  }
}
