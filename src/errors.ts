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

/** An argument of another kind than the function takes: a string for a number, a number for a tensor, nothing at all. */
export class ArgumentError extends TinystillError {
  constructor(
    readonly op: string,
    message: string,
    hint?: string,
  ) {
    super(`${op}: ${message}`, hint)
  }
}

/** A value as an error names it: short, whatever it is, and never by code of the value's own. */
export function got(value: unknown): string {
  if (typeof value === 'string') return value.length > 24 ? `'${value.slice(0, 24)}...'` : `'${value}'`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    const flat = value.length <= 8 && value.every((v) => typeof v === 'number')
    return flat ? `[${value.join(', ')}]` : `an array of ${value.length}`
  }
  const name = Object.prototype.toString.call(value).slice(8, -1)
  if (ArrayBuffer.isView(value)) return `a ${name}`
  const { shape } = value as { shape?: unknown }
  if ('storage' in value && Array.isArray(shape)) return `a tensor [${shape.join(', ')}]`
  return name === 'Object' ? 'an object' : `a ${name}`
}
