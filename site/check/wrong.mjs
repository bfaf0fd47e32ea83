// Answers to exercises that must be refused: a change of the solution each, [page, what stands there, what is put there].
export const wrong = [
  ['lessons/numbers-that-remember', '(1 - out.data ** 2) * out.grad', '(1 - out.value ** 2) * out.grad'],
  ['lessons/numbers-that-remember', '(1 - out.data ** 2) * out.grad', '1 - out.data ** 2'],
  ['lessons/numbers-that-remember', 'this.grad +=', 'this.grad ='],
  ['lessons/numbers-that-remember', 'this.grad +=', 'let self = {}; self.grad ='],
  ['lessons/own-op', 'dy.mul(x).mul(2)', 'x.mul(2)'],
  ['lessons/own-op', 'dy.mul(x).mul(2)', 'dy.mul(x).mul(2.0000001)'],
  ['lessons/own-op', 'return x.mul(x)', 'return x.mul(x).mul(x)'],
  ['lessons/own-op', 'const square = customFunction(', 'const square = ([x]) => x.mul(x); void ('],
  ['lessons/temperature', '.mul(T * T)', ''],
  ['lessons/temperature', '.sum()', '.sum().detach()'],
  ['lessons/temperature', 'logQ.sub(logP)', 'logP.sub(logQ)'],
  ['lessons/temperature', 'q.mul(logQ', 'student.softmax(-1, { T }).mul(logQ'],
]
